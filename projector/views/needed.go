package views

import "github.com/orderfold/orderfold/projector/views/list"

// neededTexts name every table, column and index there is: a file that can prepare them all is complete.
var neededTexts = append([]string{loadText, rowsText, insertOrderText, updateOrderText, moveOrderText, zoneText, insertSequencesText,
	openBreakText, closeBreakText, insertFacetText, countFacetText, countBreakText, objectText, countObjectText, quarantineText,
	positionText, healthText, verifiedText, countClassText, reclassText, renumberText, renumberBreaksText, reviseText, unverifyText, epochText, inheritText,
	feedText, placeText, rowsAfterText, statesText, addTradeText, takeTradeText, forgetTradeText, tradesText, newestOfClassText, newestObjectsText, objectsWithIDText}, list.Texts()...)
